# SPDX-License-Identifier: BSD-3-Clause
"""The paper's figure 13: migrating ten of N guests."""
import os

from lib.rounds import Rounds


class Migrations(Rounds):
    measures = (("migrate", "migrate_ms"), ("migrate + answer", "answer_ms"))
    also = ()
    names = {"away_ms": "migrate_ms", "away_up_ms": "answer_ms"}

    def commands(self, system):
        return ("-a", system.probe), (
            ("away", system.migrate), ("clear", system.migrated), ("back", system.create))


FIGURE = Migrations(
    os.path.dirname(__file__), "Figure 13: migrating ten of N guests",
    [("LightVM 2 hosts/daytime", 500, 50), ("chaos[XS+split] 2 hosts/daytime", 100, 10), ("xl/daytime", 100, 10)])
