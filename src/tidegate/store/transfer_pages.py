"""What is stored of a transfer's pages: the outcome of each record, how far it came and how fast, what a preview claims."""

from collections import Counter
from collections.abc import Collection, Sequence

from django.db.models import Case, F, TextField, Value, When
from django.utils import timezone

from tidegate.core.transfer import marked
from tidegate.ports import DoneRow, Organization, Outcome, PreviewPage, TransferState
from tidegate.store.models import PreviewClaim, Transfer, TransferOrganization, TransferRecord
from tidegate.store.models.transfers import COUNTED
from tidegate.store.rows import put_rows
from tidegate.store.transfers import WAITING, done_rows, finish_transfer, seconds_since_start


def settled_records(transfer_id: str, source_ids: Collection[str]) -> set[str]:
    rows = TransferRecord.objects.filter(transfer_id=transfer_id, source_id__any=source_ids)
    return set(rows.exclude(outcome=WAITING).values_list("source_id", flat=True))


def waiting_records(transfer_id: str, limit: int) -> list[str]:
    rows = TransferRecord.objects.filter(transfer_id=transfer_id, outcome=WAITING).order_by("id")
    return list(rows.values_list("source_id", flat=True)[:limit])


def done_records(undo: TransferState, after: int, limit: int) -> list[DoneRow]:
    rows = TransferRecord.objects.filter(done_rows(), transfer_id=undo.undoes or "", id__gt=after)
    if undo.picked:
        chosen = TransferRecord.objects.filter(transfer_id=undo.id).values("source_id")
        rows = rows.filter(source_id__in=chosen)
    return [
        DoneRow(
            row.pk,
            row.source_id,
            row.target_id,
            row.name,
            row.outcome,
            row.linked,
            tuple(row.changes),
            row.written_at,
        )
        for row in rows.order_by("id")[:limit]
    ]


def store_organizations(transfer: TransferState, organizations: Sequence[Organization]) -> None:
    """Those that the transfer created: an undo looks whether they may go. What an undo makes again is nobody's."""
    if transfer.undoes is None:
        TransferOrganization.objects.bulk_create(
            [
                TransferOrganization(transfer_id=transfer.id, organization_id=int(o.id), name=o.name[:300])
                for o in organizations
            ],
            ignore_conflicts=True,
        )


def organizations_made(undo: TransferState, after: int, limit: int) -> list[Organization]:
    rows = TransferOrganization.objects.filter(transfer_id=undo.undoes or "", organization_id__gt=after)
    return [Organization(str(o.organization_id), o.name) for o in rows.order_by("organization_id")[:limit]]


def store_outcomes(transfer: TransferState, outcomes: Sequence[Outcome]) -> None:
    now = timezone.now()
    put_rows(
        TransferRecord,
        [
            {
                "transfer_id": transfer.id,
                "source_id": o.source_id,
                "target_id": o.target_id,
                "name": o.name[:300],
                "outcome": o.outcome,
                "reason": o.reason,
                "changes": o.changes,
                "refusals": o.refusals,
                "linked": o.linked,
                "written_at": o.written_at,
                "at": now,
            }
            for o in outcomes
        ],
        unique=("transfer_id", "source_id"),
        update=(
            "target_id",
            "name",
            "outcome",
            "reason",
            "changes",
            "refusals",
            "linked",
            "written_at",
            "at",
        ),
    )


def advance(transfer: TransferState, outcomes: Sequence[Outcome], cursor: str | None, *, tokens: int) -> None:
    """Count a page, and remember how far it came when."""
    row = Transfer.objects.only("pace", "started_at", "created_at", *COUNTED).get(pk=transfer.id)
    before = row.done
    counted = Counter(o.outcome if o.outcome != "attention" else "failed" for o in outcomes)
    seconds = seconds_since_start(row)
    done = before + sum(counted[name] for name in COUNTED)
    Transfer.objects.filter(pk=transfer.id).update(
        cursor=cursor or "",
        page=F("page") + 1,
        put_off_until=None,
        state_text=Case(When(state="running", then=Value("", TextField())), default=F("state_text")),
        tokens=F("tokens") + tokens,
        pace=marked(row.pace or [[0.0, before]], seconds, done),
        **{name: F(name) + counted[name] for name in COUNTED},
    )
    if cursor is None:
        finish_transfer(transfer.id, "done", timezone.now())


def store_claims(transfer_id: str, page: PreviewPage) -> None:
    put_rows(
        PreviewClaim,
        [
            {"transfer_id": transfer_id, "kind": c.kind, "key": c.key[:400], "holder": c.holder}
            for c in page.claims
        ],
        unique=("transfer_id", "kind", "key"),
    )


def advance_preview(row: Transfer, page: PreviewPage, cursor: str | None, *, tokens: int) -> None:
    """Count what would happen; after the last page the claims have done their work."""
    for outcome in page.outcomes:
        name = "failed" if outcome.outcome == "attention" else outcome.outcome
        setattr(row, name, getattr(row, name) + 1)
    row.planned = {
        name: row.planned.get(name, 0) + page.counts.get(name, 0) for name in {*row.planned, *page.counts}
    }
    row.cursor, row.page, row.tokens = cursor or "", row.page + 1, row.tokens + tokens
    row.state_text, row.put_off_until = "", None
    if cursor is None:
        row.state, row.finished_at = "ready", timezone.now()
        row.claims.all().delete()
    row.save()
