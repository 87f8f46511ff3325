"""CSV files of other tools become prospects: `files` reads them, `columns` knows their headers, `running` takes the rows."""
