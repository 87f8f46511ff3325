"""Task name -> call: what Procrastinate runs. A job is a wake-up; the truth is in the inbox."""

from procrastinate import JobContext
from procrastinate.contrib.django import app

from tidegate.store.wakes import DRAIN
from tidegate.wiring import alerts, imports, lanes, passwords, sweep
from tidegate.wiring.steps import worker_step


@app.task(name=DRAIN, queue="lanes")
async def drain(lane_id: int) -> None:
    """Work on a lane until it is quiet; nothing where another worker holds it."""
    await lanes.drain_lane(lane_id)


@app.task(name=imports.IMPORT, queue="imports")
async def import_prospects(import_id: str) -> None:
    """Take the rows of a file that was uploaded; nothing where it is done or another worker is at it."""
    await imports.work_on_import(import_id)


@app.periodic(cron="* * * * * */5")
@app.task(name="tidegate.sweep", queue="sweep", queueing_lock="sweep", pass_context=True)
async def sweep_lanes(context: JobContext, timestamp: int) -> None:
    """Wake lanes that have due work and nobody at it; end frozen holders; close stalled jobs."""
    await sweep.sweep_lanes()


@app.periodic(cron="* * * * *")
@app.task(name="tidegate.alerts", queue="sweep", queueing_lock="alerts")
async def raise_alerts(timestamp: int) -> None:
    """Tell the owners and admins of connections that stopped or fall behind."""
    await worker_step(alerts.raise_alerts)


@app.task(name=passwords.MAIL_LINK, queue="sweep")
async def mail_password_link(user_id: int) -> None:
    """Send whoever forgot their password a link to choose another."""
    await worker_step(passwords.mail_link, user_id)


@app.periodic(cron="17 3 * * *")
@app.task(name="tidegate.tidy", queue="sweep", queueing_lock="tidy")
async def tidy(timestamp: int) -> None:
    """Delete what is older than it is kept."""
    await sweep.tidy()
