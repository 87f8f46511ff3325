"""Empty system fields come as null or not at all: Tidegate reads the same person from either."""

import httpx2

from tests.sandbox import running_sandbox


async def test_records_without_their_empty_fields_are_read_as_those_with_nulls():
    async with running_sandbox(persons=6, organizations=2) as running:
        number = running.create_person({"name": "Ann"})
        sparse, few_keys = await everybody(running.crm()), await keys_of(running, number)
        running.sandbox.state.switches.set("empty_fields", "null")
        with_nulls, all_keys = await everybody(running.crm()), await keys_of(running, number)

    assert all_keys - few_keys == {"last_name", "org_id", "picture_id"}
    assert len(sparse) == 7
    assert sparse == with_nulls


async def everybody(crm):
    await crm.read_catalogue()
    page = await crm.walk_persons()
    return sorted(page.records, key=lambda record: record.id)


async def keys_of(running, person_id):
    async with httpx2.AsyncClient(headers={"x-api-token": running.api_token}) as http:
        answer = await http.get(f"{running.address}/api/v2/persons/{person_id}")
        return answer.json()["data"].keys()
