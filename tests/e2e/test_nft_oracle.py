"""nft is the oracle: random rules and packets, counted by nft and by afxfw.

AFXFW_ORACLE_RULE_SETS and AFXFW_ORACLE_PACKETS make it longer (the long run: 300 and 1000),
AFXFW_ORACLE_SEED repeats one.
"""

import os
import random

import pytest
from harness.nft_oracle import CannotList, NftOracle

pytestmark = pytest.mark.lab(topology="pair", queues=1)

RULE_SETS = int(os.environ.get("AFXFW_ORACLE_RULE_SETS", "25"))
PACKETS = int(os.environ.get("AFXFW_ORACLE_PACKETS", "400"))
SEED = os.environ.get("AFXFW_ORACLE_SEED")


def test_rules_count_what_nft_counts(lab, tmp_path):
    oracle = NftOracle(lab["gen"], lab["fw"], tmp_path)
    seeds = [int(SEED)] if SEED else [random.randrange(2**32) for _ in range(RULE_SETS)]
    print(f"{len(seeds)} rule sets, {PACKETS} packets each, seeds {seeds}")
    matches, unlisted = 0, 0
    for seed in seeds:
        try:
            matches += oracle.compare(seed, PACKETS)
        except CannotList:
            unlisted += 1
    print(f"{matches} matches; {unlisted} rule sets that nft cannot list")
    assert unlisted <= len(seeds) / 10
    # Of a rule's counter, for each packet, on average.
    assert matches > len(seeds) * PACKETS / 2, "the rules hardly matched any packet"
