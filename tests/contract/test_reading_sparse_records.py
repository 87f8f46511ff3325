"""Empty system fields come as null or not at all: what is left out is missing to Tidegate, and empties nothing."""

from dataclasses import replace

from tests.sandbox import running_sandbox


async def test_records_without_their_empty_fields_are_read_and_show_the_same_values():
    async with running_sandbox(persons=6, organizations=2) as running:
        running.create_person({"name": "Ann"})
        with_nulls = await everybody(running.crm())
        running.sandbox.state.switches.set("empty_fields", "absent")
        sparse = await everybody(running.crm())

    assert len(with_nulls) == 7
    assert sparse != with_nulls
    assert [filled(record) for record in sparse] == [filled(record) for record in with_nulls]


async def everybody(crm):
    await crm.read_catalogue()
    page = await crm.walk_persons()
    return sorted(page.records, key=lambda record: record.id)


def filled(record):
    return replace(record, values={key: value for key, value in record.values.items() if value is not None})
