"""Statements out of PostgreSQL's log, as pgbench can send them."""

from tests.bench.graphql.floor import guarded, script_of

LOG = """\
2026-11-21 11:50:00.101 UTC [7] LOG:  duration: 0.010 ms  statement: BEGIN;
2026-11-21 11:50:00.102 UTC [7] LOG:  duration: 0.200 ms  parse __asyncpg_stmt_1__: SELECT 1
2026-11-21 11:50:00.103 UTC [7] LOG:  duration: 0.100 ms  bind __asyncpg_stmt_1__: SELECT $1
2026-11-21 11:50:00.104 UTC [7] DETAIL:  parameters: $1 = 'bound only'
2026-11-21 11:50:00.105 UTC [7] LOG:  duration: 0.300 ms  execute __asyncpg_stmt_1__: SELECT '{"at":null}' || id::text
\tFROM trade WHERE name = $1 AND source = $2 OR id = $10
2026-11-21 11:50:00.106 UTC [7] DETAIL:  parameters: $1 = 'O''Hara', $2 = NULL, $10 = '{1,2}'
2026-11-21 11:50:00.107 UTC [8] LOG:  duration: 0.300 ms  execute __asyncpg_stmt_2__: SELECT 2
2026-11-21 11:50:00.108 UTC [7] LOG:  duration: 0.010 ms  execute __asyncpg_stmt_3__: COMMIT
"""


def test_only_executed_statements_count_with_their_values() -> None:
    script = script_of(LOG)

    assert script.sql == (
        "SELECT E'{\"at\"\\072null}' || id::text\n"
        "\tFROM trade WHERE name = :v0_1 AND source = NULL OR id = :v0_10;\nSELECT 2;\n"
    )
    assert script.variables == {"v0_1": "O'Hara", "v0_10": "{1,2}"}


def test_only_texts_with_something_like_a_variable_are_rewritten() -> None:
    assert guarded("SELECT a::int || ':' || 'it''s:' || :id") == "SELECT a::int || ':' || 'it''s:' || :id"
    assert guarded(r"SELECT '\d:true'") == r"SELECT E'\\d\072true'"
