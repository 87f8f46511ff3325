// A full round of Pipedrive's official JavaScript package against the sandbox, as any program would use it.
// Usage: node round.js ADDRESS API_TOKEN

const assert = require("node:assert/strict");
const v1 = require("pipedrive/v1");
const v2 = require("pipedrive/v2");

const [address, token] = process.argv.slice(2);
const of = (version, base) => {
  const configuration = new version.Configuration({ apiKey: token, basePath: `${address}${base}` });
  return (name) => new version[name](configuration);
};
const old = of(v1, "/api/v1");
const now = of(v2, "/api/v2");

let passed = 0;
let failed = 0;

async function step(name, deed) {
  try {
    await deed();
    passed += 1;
    console.log(`  ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAILED  ${name}: ${error.message ?? JSON.stringify(error)}`);
  }
}

// The package rejects with the body of the answer.
async function refused(call, text) {
  await assert.rejects(call, (body) => {
    assert.equal(body.success, false);
    assert.match(body.error, text);
    return true;
  });
}

// One of a list must be found, whatever else is there.
const has = (list, id) => assert.ok(list.some((each) => each.id === id), `${id} is not in the list`);

async function users() {
  const api = old("UsersApi");
  const { data: me } = await api.getCurrentUser();
  const { data: all } = await api.getUsers();
  has(all, me.id);
  assert.equal((await api.getUser({ id: me.id })).data.email, me.email);
  const { data: found } = await api.findUsersByName({ term: me.email, search_by_email: 1 });
  has(found, me.id);
}

async function fields(made) {
  const api = now("PersonFieldsApi");
  const options = [{ label: "Red" }, { label: "Green" }];
  const body = { field_name: "Shade", field_type: "enum", options };
  made.field = (await api.addPersonField({ AddPersonFieldRequest: body })).data;
  const { data: field } = await api.getPersonField({ field_code: made.field.field_code });
  assert.deepEqual(field.options.map((each) => each.label), ["Red", "Green"]);
  const { data: first } = await api.getPersonFields({ limit: 2 });
  assert.equal(first.length, 2);
}

async function organizations(made) {
  const api = now("OrganizationsApi");
  made.organization = (await api.addOrganization({ AddOrganizationRequest: { name: "Quay & Sons" } })).data.id;
  const change = { name: "Quay & Daughters", address: { value: "2 Quay Road, Cork" } };
  await api.updateOrganization({ id: made.organization, UpdateOrganizationRequest: change });
  const { data } = await api.getOrganization({ id: made.organization });
  assert.equal(data.name, "Quay & Daughters");
  assert.equal(data.address.value, "2 Quay Road, Cork");
  has((await api.getOrganizations({ ids: String(made.organization) })).data, made.organization);
}

async function persons(made) {
  const api = now("PersonsApi");
  const red = made.field.options[0].id;
  const body = {
    name: "Orla Quay",
    org_id: made.organization,
    emails: [{ value: "orla@quay.example", primary: true, label: "work" }],
    custom_fields: { [made.field.field_code]: red },
  };
  made.person = (await api.addPerson({ AddPersonRequest: body })).data.id;
  await api.updatePerson({ id: made.person, UpdatePersonRequest: { name: "Orla B. Quay" } });
  const { data } = await api.getPerson({ id: made.person, include_fields: "open_deals_count" });
  assert.equal(data.name, "Orla B. Quay");
  assert.equal(data.emails[0].value, "orla@quay.example");
  assert.equal(data.custom_fields[made.field.field_code], red);
  assert.equal(data.open_deals_count, 0);
  has((await api.getPersons({ org_id: made.organization })).data, made.person);
}

async function paging() {
  const api = now("PersonsApi");
  const seen = new Set();
  let cursor;
  do {
    const page = await api.getPersons({ limit: 100, cursor });
    page.data.forEach((each) => seen.add(each.id));
    cursor = page.additional_data.next_cursor ?? undefined;
  } while (cursor);
  assert.ok(seen.size > 400, `${seen.size} persons seen`);
}

async function deals(made) {
  const api = now("DealsApi");
  const body = { title: "A pontoon", value: 900, currency: "EUR", person_id: made.person, org_id: made.organization };
  made.deal = (await api.addDeal({ AddDealRequest: body })).data.id;
  await api.updateDeal({ id: made.deal, UpdateDealRequest: { status: "won" } });
  const { data } = await api.getDeal({ id: made.deal });
  assert.equal(data.status, "won");
  assert.ok(data.won_time);
  has((await api.getDeals({ person_id: made.person })).data, made.deal);
  const stages = (await now("StagesApi").getStages({ pipeline_id: data.pipeline_id })).data;
  has(stages, data.stage_id);
  has((await now("PipelinesApi").getPipelines()).data, data.pipeline_id);
}

async function activities(made) {
  const api = now("ActivitiesApi");
  const participants = [{ person_id: made.person, primary: true }];
  const body = { subject: "Measure the pontoon", type: "call", deal_id: made.deal, participants };
  made.activity = (await api.addActivity({ AddActivityRequest: body })).data.id;
  await api.updateActivity({ id: made.activity, AddActivityRequest: { done: true } });
  assert.equal((await api.getActivity({ id: made.activity })).data.done, true);
  has((await api.getActivities({ deal_id: made.deal })).data, made.activity);
}

async function notes(made) {
  const api = old("NotesApi");
  made.note = (await api.addNote({ AddNoteRequest: { content: "Floats", person_id: made.person } })).data.id;
  await api.updateNote({ id: made.note, NoteRequest: { content: "Floats well" } });
  assert.equal((await api.getNote({ id: made.note })).data.content, "Floats well");
  has((await api.getNotes({ person_id: made.person })).data, made.note);
}

async function webhooks() {
  const api = old("WebhooksApi");
  const body = {
    subscription_url: "http://127.0.0.1:9/hook",
    event_action: "change",
    event_object: "person",
    name: "round",
    version: "2.0",
  };
  const { data: hook } = await api.addWebhook({ AddWebhookRequest: body });
  has((await api.getWebhooks()).data, hook.id);
  await api.deleteWebhook({ id: hook.id });
  assert.deepEqual((await api.getWebhooks()).data, []);
}

// A write can be found some seconds later; how many is the sandbox's switch search_delay.
async function search(made) {
  const { data: persons } = await now("PersonsApi").searchPersons({ term: "orla@quay.example", exact_match: true });
  assert.deepEqual(persons.items.map((each) => each.item.id), [made.person]);
  const { data: items } = await now("ItemSearchApi").searchItem({ term: "pontoon", item_types: "deal" });
  assert.deepEqual(items.items.map((each) => each.item.id), [made.deal]);
}

async function merge(made) {
  const { data: double } = await now("PersonsApi").addPerson({ AddPersonRequest: { name: "O. Quay" } });
  const body = { merge_with_id: made.person };
  await old("PersonsApi").mergePersons({ id: double.id, MergePersonsRequest: body });
  has((await now("PersonsApi").getPersons({ ids: String(made.person) })).data, made.person);
}

async function errors() {
  await refused(now("PersonsApi").getPerson({ id: 99999999 }), /not found/);
  await refused(now("DealsApi").addDeal({ AddDealRequest: {} }), /title/);
  await refused(now("PersonsApi").getPersons({ limit: 100000 }), /limit/);
  const stranger = new v2.Configuration({ apiKey: "wrong", basePath: `${address}/api/v2` });
  await refused(new v2.PersonsApi(stranger).getPersons(), /unauthorized access/);
}

async function deletion(made) {
  await old("NotesApi").deleteNote({ id: made.note });
  await now("ActivitiesApi").deleteActivity({ id: made.activity });
  await now("DealsApi").deleteDeal({ id: made.deal });
  await now("PersonsApi").deletePerson({ id: made.person });
  await now("OrganizationsApi").deleteOrganization({ id: made.organization });
  await now("PersonFieldsApi").deletePersonField({ field_code: made.field.field_code });
  assert.deepEqual((await now("PersonsApi").getPersons({ ids: String(made.person) })).data, []);
}

async function main() {
  const made = {};
  console.log(`Pipedrive's own JavaScript package against ${address}`);
  const round = { users, fields, organizations, persons, paging, deals, activities, notes, webhooks, search, merge, errors, deletion };
  for (const [name, deed] of Object.entries(round)) await step(name, () => deed(made));
  console.log(`JavaScript client: ${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

main();
