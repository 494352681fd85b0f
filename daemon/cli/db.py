"""`tickerd db`: check, back up, restore and export what the state folder holds."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from daemon.cli.common import add_json_argument, add_state_argument, print_json, state_folder

if TYPE_CHECKING:
    from actors.store.check import Checked
    from actors.store.manifest import Manifest

EXAMPLE = "tickerd db backup --to s3://bucket/tickerd --every 60"


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND", title="commands")

    def action(name: str, text: str) -> ArgumentParser:
        made = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")
        add_state_argument(made)
        add_json_argument(made)
        return made

    action("export", "orders, fills, positions, balances and the trial balance")
    action("check", "prove tape, database and books whole, or name the place where they are not")
    backup = action("backup", "copy the state folder, beside a running daemon too, and prove the copy")
    backup.add_argument(
        "--to", metavar="PLACE", required=True, help="a folder, or a URL (s3://…) with tickerd[backup]"
    )
    backup.add_argument(
        "--every", metavar="SECONDS", type=_seconds, help="go on shipping what is new until stopped"
    )
    restore = action("restore", "fill an empty state folder from a backup, under a new store id")
    restore.add_argument("--from", metavar="PLACE", required=True, dest="place", help="where `backup` put it")
    restore.add_argument("--generation", metavar="NAME", help="an older backup (default: the newest)")
    action("migrate", "bring the database to this tickerd's schema; the former is kept beside it")
    action("rebuild", "write the projections anew from the tape; rows older than the tape are kept")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds >= 1:
        raise ArgumentTypeError(f"{text} is too often: say 1 or more seconds")
    return seconds


def run(args: Namespace) -> int:
    actions = {
        "export": _export,
        "check": _check,
        "backup": _backup,
        "restore": _restore,
        "migrate": _migrate,
        "rebuild": _rebuild,
    }
    return actions[args.action](args)


# export


def _export(args: Namespace) -> int:
    from actors.store.export import export
    from daemon.startup import read_core

    state = state_folder(args)
    core = read_core(state)
    exported = export(state, core.ledger, seq=core.sequencer.seq) if core is not None else export(state)
    if args.json:
        print_json(exported)
    else:
        print(_text(exported))
    return 0


def _text(exported: dict[str, Any]) -> str:
    from daemon.cli.tables import facts, table

    counts = {name: len(exported[name]) for name in ("orders", "fills", "corrections")}
    return "\n\n".join(
        [
            facts(
                {**counts, "trial_balance": exported["trial_balance"], "applied_seq": exported["applied_seq"]}
            ),
            table(exported["positions"], empty="no positions"),
            facts({"balances": exported["balances"]}),
        ]
    )


# check


def _check(args: Namespace) -> int:
    from daemon.check_books import check_all
    from daemon.cli.exit_codes import ExitCode

    found = check_all(state_folder(args))
    if args.json:
        print_json(_checked_as_json(found))
    else:
        print(_checked_as_text(found))
    if not found.faults:
        return ExitCode.DONE
    return ExitCode.STATE_UNUSABLE if found.is_damaged else ExitCode.FAILED


def _checked_as_json(found: Checked) -> dict[str, Any]:
    from actors.store.check import AREAS

    return {
        "ok": not found.faults,
        "areas": {area: found.state_of(area) for area in AREAS},
        "parts": found.tape.parts,
        "segments": found.tape.segments,
        "inputs": found.tape.inputs,
        "first_seq": found.tape.first_seq,
        "last_seq": found.tape.last_seq,
        "applied_seq": found.applied_seq,
        "checkpoints": list(found.checkpoints),
        "faults": [
            {"area": fault.area, "place": fault.place, "what": fault.what, "damage": fault.is_damage}
            for fault in found.faults
        ],
        "notes": found.notes,
    }


def _checked_as_text(found: Checked) -> str:
    from actors.store.check import AREAS
    from daemon.cli.tables import facts

    tape = f"{found.tape.inputs:,} inputs to seq {found.tape.last_seq} in {found.tape.parts} parts"
    lines = [facts({"inputs": tape, **{area: found.state_of(area) for area in AREAS}})]
    lines += [f"BROKEN {fault}" for fault in found.faults]
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


# backup and restore


def _backup(args: Namespace) -> int:
    from actors.store.backup import Backup
    from actors.store.places import place_of
    from daemon.check_books import check_all

    place = place_of(args.to)
    backup = Backup(state_folder(args), place, check=check_all)
    if args.every is not None:
        return _keep_shipping(backup, args)
    manifest = backup.ship()
    plain = _manifest_as_json(manifest, args.to)
    said = f"backed up seq {manifest.last_seq} as {manifest.generation} to {place}, restored and checked"
    _say(plain, said, args)
    return 0


def _keep_shipping(backup: Any, args: Namespace) -> int:
    from daemon.shipping import keep_shipping

    def on_shipped(manifest: Manifest) -> None:
        print(f"shipped seq {manifest.last_seq} as {manifest.generation}", file=sys.stderr, flush=True)

    shipped = keep_shipping(backup, args.every, on_shipped=on_shipped)
    _say({"generations": shipped, "to": args.to}, f"{shipped} generations shipped to {args.to}", args)
    return 0


def _restore(args: Namespace) -> int:
    from actors.store.places import place_of
    from actors.store.restore import restore
    from daemon.check_books import check_all

    state, place = state_folder(args), place_of(args.place)
    restored = restore(place, state, check=check_all, generation=args.generation)
    manifest, identity = restored.manifest, restored.identity
    plain = {
        **_manifest_as_json(manifest, args.place),
        "state": str(state),
        "store_id": identity.store_id,
        "lineage": list(identity.lineage),
    }
    said = (
        f"restored {manifest.generation} (seq {manifest.last_seq}) to {state} as store {identity.store_id}.\n"
        f"Next: make sure that no other daemon trades the account, then `tickerd run --state {state}`: it\n"
        "reconciles with the venues before anything is sent. Orders that store "
        f"{identity.lineage[-1]} sent after\nthe backup are shown by `tickerd ctl reconcile show` and hold "
        "their instruments to reductions until accepted."
    )
    _say(plain, said, args)
    return 0


def _manifest_as_json(manifest: Manifest, place: str) -> dict[str, Any]:
    return {
        "place": place,
        "generation": manifest.generation,
        "made_at": manifest.made_at,
        "store_id": manifest.store_id,
        "last_seq": manifest.last_seq,
        "applied_seq": manifest.applied_seq,
        "checkpoint_seq": manifest.checkpoint_seq,
        "files": len(manifest.files),
        "bytes": manifest.size_bytes,
    }


# migrate and rebuild


def _migrate(args: Namespace) -> int:
    from actors.store.upkeep import migrate

    done = migrate(state_folder(args))
    plain = {"from": done.before, "to": done.after, "kept": done.kept.name if done.kept else None}
    said = f"the database has schema {done.after}: nothing to do"
    if done.kept is not None:
        said = f"schema {done.before} became {done.after}; the former database is kept as {done.kept}"
    _say(plain, said, args)
    return 0


def _rebuild(args: Namespace) -> int:
    from actors.store.upkeep import rebuild_projections

    done = rebuild_projections(state_folder(args))
    plain = {
        "applied_seq": done.applied_seq,
        "seam_seq": done.seam_seq,
        "aside": done.aside.name if done.aside else None,
        "rows": done.rows,
    }
    said = f"rebuilt {sum(done.rows.values()):,} rows to seq {done.applied_seq} from the tape"
    if done.seam_seq:
        said += f"; rows up to seq {done.seam_seq} are older than the tape and were kept"
    if done.aside is not None:
        said += f"; the damaged database is kept as {done.aside}"
    _say(plain, said, args)
    return 0


def _say(plain: dict[str, Any], text: str, args: Namespace) -> None:
    if args.json:
        print_json(plain)
    else:
        print(text)
