"""Deals and activities as Pipedrive shows them, and which deal an action is about. Requirements: A3, A4, A6."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tidegate.core.catalogue import Pipeline, Stage


@dataclass(frozen=True, slots=True)
class Deal:
    id: str
    title: str
    person_id: str | None
    pipeline_id: str
    stage_id: str
    active: bool = True
    """Open: neither won nor lost, neither deleted nor archived."""
    added_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewActivity:
    """An activity to be added. `due_time` is UTC; without one it is an activity of the whole day."""

    subject: str
    person_id: str
    done: bool
    due_date: date
    email: bool = False
    """A campaign e-mail; else a task."""
    due_time: str = ""
    owner_id: str | None = None
    deal_id: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """What is told of an activity that exists."""

    id: str
    subject: str
    done: bool
    person_id: str | None
    added_at: datetime | None = None


def newest(deals: Iterable[Deal]) -> Deal | None:
    return max((deal for deal in deals if deal.active), key=_age, default=None)


def _age(deal: Deal) -> tuple[float, int]:
    """Pipedrive tells whole seconds: deals of one second are told apart by their number."""
    return deal.added_at.timestamp() if deal.added_at else 0.0, int(deal.id)


def deal_to_move(
    deals: Sequence[Deal], *, created: Deal | None, pipeline_id: str | None, only_in_pipeline: bool = False
) -> Deal | None:
    """The deal that the same run created, else the newest active one of the pipeline, else of any."""
    if created is not None:
        return created
    inside = newest(deal for deal in deals if deal.pipeline_id == pipeline_id)
    return inside if inside is not None or only_in_pipeline else newest(deals)


def deal_of_contact(deals: Sequence[Deal], pipelines: Collection[str]) -> Deal | None:
    """The open deal at which an activity of this person stands, whoever made the deal: the newest in one of these pipelines.

    `pipelines`: those that the automations work in. Where they name none, the only open deal there is: of several nobody
    can tell which is meant.
    """
    if pipelines:
        return newest(deal for deal in deals if deal.pipeline_id in pipelines)
    active = [deal for deal in deals if deal.active]
    return active[0] if len(active) == 1 else None


def first_stage(pipelines: Iterable[Pipeline], pipeline_id: str | None) -> Stage | None:
    """The first stage of a pipeline; None where the pipeline is gone or has none."""
    stages = _stages(pipelines, pipeline_id)
    return stages[0] if stages else None


def next_stage(pipelines: Iterable[Pipeline], deal: Deal) -> Stage | None:
    """The stage after the deal's own, in the order people see. Raises LookupError where its stage is not known.

    None: it is in the last one.
    """
    stages = _stages(pipelines, deal.pipeline_id)
    place = next((index for index, stage in enumerate(stages) if stage.id == deal.stage_id), None)
    if place is None:
        raise LookupError(deal.stage_id)
    return stages[place + 1] if place + 1 < len(stages) else None


def _stages(pipelines: Iterable[Pipeline], pipeline_id: str | None) -> list[Stage]:
    found = next((pipeline for pipeline in pipelines if pipeline.id == pipeline_id), None)
    return sorted(found.stages, key=lambda stage: stage.order) if found else []
