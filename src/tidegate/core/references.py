"""What a settings document names that is not there, as far as it is new in it: stale or forged, so it is not saved.

What was named before and has vanished since is another matter: it stays, is marked by `problems`, and keeps nobody from
saving the rest.
"""

from collections.abc import Iterable

from tidegate.core.catalogue import OutreachCatalogue, PipedriveCatalogue
from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.core.settings import Settings
from tidegate.words import say


def unknown_references(
    settings: Settings, before: Settings, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue
) -> list[Problem]:
    """Each with the place in the settings that names it."""
    return [
        *_lists(settings, before, outreach),
        *_pipedrive(settings, before, pipedrive),
        *_fields(settings, before, outreach, pipedrive),
        *_sales(settings, before, pipedrive),
    ]


def _lists(settings: Settings, before: Settings, outreach: OutreachCatalogue) -> Iterable[Problem]:
    known = {named.id for named in outreach.lists}
    if settings.sync_to_list not in {*known, before.sync_to_list, None}:
        yield Problem(
            "list-gone", "sync_to_list", say("The chosen list no longer exists. Choose another one.")
        )
    if not known.union(before.sync_from_lists or ()).issuperset(settings.sync_from_lists or ()):
        yield Problem(
            "lists-gone", "sync_from_lists", say("One of the chosen lists no longer exists. Choose again.")
        )


def _pipedrive(settings: Settings, before: Settings, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    users = {user.id for user in pipedrive.users if user.active}
    if settings.owner_id not in {*users, before.owner_id, None}:
        yield Problem(
            "owner-gone", "owner_id", say("The chosen Pipedrive user no longer exists. Choose another one.")
        )
    filters = {known.id for known in pipedrive.filters}
    if settings.filter_id not in {*filters, before.filter_id, None}:
        yield Problem(
            "filter-gone",
            "filter_id",
            say("The chosen Pipedrive filter no longer exists. Choose another one."),
        )


def _sales(settings: Settings, before: Settings, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    """Pipelines and stages of the automations, those that are switched off included."""
    kept = {action for automation in before.automations for action in automation.actions}
    pipelines = {None, *(pipeline.id for pipeline in pipedrive.pipelines)}
    stages = {None, *(stage.id for pipeline in pipedrive.pipelines for stage in pipeline.stages)}
    pipelines |= {action.pipeline_id for action in kept}
    stages |= {action.stage_id for action in kept}
    for automation in settings.automations:
        for action in automation.actions:
            place = f"automations.{automation.trigger}.{action.kind}"
            if action.pipeline_id not in pipelines:
                text = say("The chosen pipeline no longer exists in Pipedrive. Choose another one.")
                yield Problem("pipeline-gone", f"{place}.pipeline", text)
            if action.stage_id not in stages:
                text = say("The chosen stage no longer exists in Pipedrive. Choose another one.")
                yield Problem("stage-gone", f"{place}.stage", text)


def _fields(
    settings: Settings, before: Settings, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue
) -> Iterable[Problem]:
    known = {
        Side.OUTREACH: {field.key for field in outreach.fields},
        Side.PIPEDRIVE: {field.key for field in pipedrive.fields},
    }
    for index, mapping in enumerate(settings.mappings):
        gone = any(mapping.of(side) not in known[side] for side in Side)
        if gone and mapping not in before.mappings:
            text = say("A field of this pair no longer exists. Choose another one, or remove the pair.")
            yield Problem("field-gone", f"mappings.{index}", text)
    kept = {(constant.side, constant.field) for constant in before.constants}
    for index, constant in enumerate(settings.constants):
        if constant.field not in known[constant.side] and (constant.side, constant.field) not in kept:
            text = say("The constant’s field no longer exists. Choose another one.")
            yield Problem("field-gone", f"constants.{index}", text)
