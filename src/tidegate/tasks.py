"""Task name -> call: what Procrastinate runs. A job is a wake-up; the truth is in the inbox."""
