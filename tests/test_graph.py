"""What a head on the tape says of the core that wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import TapeError
from daemon.graph import BarSources
from daemon.tape_configuration import from_tape_configuration, tape_configuration
from tests.startup_rig import BTC, a_config, an_instrument

SOURCES = BarSources(given=frozenset({(BTC, 60)}), trades=frozenset({BTC}), has_backfill=True)


def test_what_a_head_is_written_with_is_read_back(tmp_path: Path) -> None:
    config, instrument = a_config(tmp_path), an_instrument(BTC)
    plain = tape_configuration(config, [instrument], SOURCES)
    assert from_tape_configuration(plain) == (config, {BTC: instrument}, SOURCES)


@pytest.mark.parametrize("missing", ["config", "instruments", "given", "trades", "has_backfill"])
def test_a_head_that_lacks_something_is_one_sentence(tmp_path: Path, missing: str) -> None:
    plain = tape_configuration(a_config(tmp_path), [an_instrument(BTC)], SOURCES)
    del plain[missing]
    with pytest.raises(TapeError) as raised:
        from_tape_configuration(plain)
    assert str(raised.value) == (
        f"the tape's head lacks {missing}: another tickerd wrote it, use that one to read it"
    )
