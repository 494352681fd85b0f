"""What replay says of a tape that was changed, and of code that was."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import Bar
from actors.core.frames import INPUT, Frame, Head, encode_frame, read_frames
from actors.core.sequencer import Sequencer
from actors.messages import any_message
from actors.messages.market import Quote
from actors.model.ids import ClientOrderIds
from actors.store.layout import HEADER_BYTES, list_parts, tape_folder
from actors.store.replay import replay
from actors.strategies.library.sma_cross import SmaCross
from daemon.graph import build_core
from daemon.startup import load_classes
from daemon.tape_configuration import from_tape_configuration
from tests.e2e.rig import DEEP_SOURCE, a_daemon, an_exchange, one_object, replayed, tickerd, write_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short session, stopped cleanly."""
    folder = tmp_path_factory.mktemp("tampering")
    with (
        an_exchange(folder) as exchange,
        a_daemon(write_config(folder, exchange), folder / "state") as daemon,
    ):
        daemon.wait_reconciled()
        daemon.wait_fills(1, "sma", "maker")
        assert daemon.stop() == 0
    replayed(folder / "state")
    return folder


@pytest.fixture
def copy(recorded: Path, tmp_path: Path) -> Path:
    """A state folder that may be changed."""
    shutil.copytree(recorded / "state", tmp_path / "state")
    return tmp_path / "state"


def newest_segment(state: Path) -> Path:
    return list_parts(tape_folder(state))[-1].segments[-1].path


def quotes(segment: Path) -> list[Frame]:
    decode = msgspec.msgpack.Decoder(any_message()).decode
    frames = read_frames(segment.read_bytes().rstrip(b"\0"), HEADER_BYTES)
    return [each for each in frames if each.kind == INPUT and isinstance(decode(each.payload), Quote)]


def change_one_byte(segment: Path, frame: Frame, *, mend_checksum: bool) -> None:
    """The last byte of a quote's payload: the smallest change of its last number."""
    payload = frame.payload[:-1] + bytes([frame.payload[-1] ^ 1])
    changed = encode_frame(frame.kind, frame.seq, frame.ts_init, payload)
    data = bytearray(segment.read_bytes())
    data[frame.offset : frame.end] = (
        changed if mend_checksum else data[frame.offset : frame.end - 1] + payload[-1:]
    )
    segment.write_bytes(data)


def refused(state: Path) -> dict[str, Any]:
    done = tickerd("replay", "--state", str(state), "--verify", "--json")
    assert done.returncode == 3, done.stdout + done.stderr
    found = one_object(done)
    assert found["identical"] is False
    return found


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_changed_byte_of_one_input_is_named_with_its_place(copy: Path, part: float) -> None:
    segment = newest_segment(copy)
    found = quotes(segment)
    frame = found[int(len(found) * part)]
    change_one_byte(segment, frame, mend_checksum=False)
    difference = refused(copy)["difference"]
    assert "part-000001/000001" in difference
    assert f"offset {frame.offset}" in difference
    assert f"seq {frame.seq - 1}" in difference or f"seq {frame.seq}" in difference


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_changed_byte_with_a_mended_checksum_breaks_the_chain_there(copy: Path, part: float) -> None:
    segment = newest_segment(copy)
    found = quotes(segment)
    frame = found[int(len(found) * part)]
    change_one_byte(segment, frame, mend_checksum=True)
    said = refused(copy)
    assert said["seq"] >= frame.seq
    assert said["seq"] - frame.seq < 60, "the next step or mark tells"


def test_a_daemon_does_not_start_on_a_tape_damaged_where_it_was_durable(copy: Path, recorded: Path) -> None:
    segment = newest_segment(copy)
    found = quotes(segment)
    change_one_byte(segment, found[len(found) // 2], mend_checksum=False)
    done = tickerd("run", str(recorded / "tickerd.toml"), "--state", str(copy), "--set", "http.port=-1")
    assert done.returncode == 7
    assert "part-000001/000001" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_changed_strategy_code_is_named_at_its_first_other_message(recorded: Path) -> None:
    source = recorded / "deep.py"
    source.write_text(DEEP_SOURCE.replace("0.97", "0.96"))
    try:
        said = refused(recorded / "state")
    finally:
        source.write_text(DEEP_SOURCE)
    assert said["seq"] > 0
    assert f"seq {said['seq']}, ts " in said["difference"]
    assert "strategy='deep'" in said["difference"]
    replayed(recorded / "state")


class SaysMore(SmaCross):
    """Says one thing more than the strategy of the record."""

    def on_bar(self, bar: Bar) -> None:
        super().on_bar(bar)
        self.ctx.flat(bar.instrument)


def test_one_perturbed_handler_is_named_with_seq_input_and_both_messages(recorded: Path) -> None:
    def build(head: Head) -> Sequencer:
        config, instruments, sources = from_tape_configuration(head.config)
        classes = {**load_classes(config), "sma": SaysMore}
        ids = ClientOrderIds(store_id=head.store_id, epoch=head.epoch)
        return build_core(
            config, instruments=instruments, classes=classes, sources=sources, ids=ids
        ).sequencer

    result = replay(recorded / "state", build=build)
    assert not result.identical
    assert result.difference is not None
    assert result.difference.kind == "messages"
    assert result.difference.input.startswith("Bar(")
    assert "Signal(" in result.difference.got
    assert "Signal(" not in result.difference.expected


def test_another_sizing_is_named_at_the_first_order_of_another_size(recorded: Path) -> None:
    def build(head: Head) -> Sequencer:
        config, instruments, sources = from_tape_configuration(head.config)
        sma = config.strategies["sma"]
        sizing = msgspec.structs.replace(sma.sizing, amount=sma.sizing.amount + 100)
        strategies = {**config.strategies, "sma": msgspec.structs.replace(sma, sizing=sizing)}
        return build_core(
            msgspec.structs.replace(config, strategies=strategies),
            instruments=instruments,
            classes=load_classes(config),
            sources=sources,
            ids=ClientOrderIds(store_id=head.store_id, epoch=head.epoch),
        ).sequencer

    difference = replay(recorded / "state", build=build).difference
    assert difference is not None
    assert difference.expected.startswith("OrderIntent(")
    assert difference.got.startswith("OrderIntent(")
