"""Opens every table, plain and partitioned, with DuckDB, pyarrow and polars."""

import glob
import json
import os
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

folder, schema = sys.argv[1:]
tables = json.load(open(schema))["tables"]
arrow = {
    "text": pa.string(), "bool": pa.bool_(), "uint8": pa.uint8(), "uint16": pa.uint16(),
    "uint32": pa.uint32(), "uint64": pa.uint64(), "float32": pa.float32(), "float64": pa.float64(),
    "list of uint32": pa.list_(pa.uint32()), "list of float64": pa.list_(pa.float64()),
}
duck = {
    "text": "VARCHAR", "bool": "BOOLEAN", "uint8": "UTINYINT", "uint16": "USMALLINT",
    "uint32": "UINTEGER", "uint64": "UBIGINT", "float32": "FLOAT", "float64": "DOUBLE",
    "list of uint32": "UINTEGER[]", "list of float64": "DOUBLE[]",
}
polars = {
    "text": pl.String, "bool": pl.Boolean, "uint8": pl.UInt8, "uint16": pl.UInt16,
    "uint32": pl.UInt32, "uint64": pl.UInt64, "float32": pl.Float32, "float64": pl.Float64,
    "list of uint32": pl.List(pl.UInt32), "list of float64": pl.List(pl.Float64),
}


def rows_of(table):
    return 300_000 if table == "evidence" else 3_000


partitioned = 0
for table in tables:
    name = table["table"]
    columns = [(column["name"], column["type"]) for column in table["columns"]]
    rows = rows_of(name)
    path = f"{folder}/plain/{name}.parquet"

    file = pq.ParquetFile(path)
    assert file.metadata.num_rows == rows
    assert [(f.name, f.type) for f in file.schema_arrow] == [(c, arrow[t]) for c, t in columns], name
    required = [column["name"] for column in table["columns"] if not column["nullable"]]
    assert [f.name for f in file.schema_arrow if not f.nullable] == required
    keys = file.schema_arrow.metadata or file.metadata.metadata
    assert file.metadata.metadata[b"varisk.table"] == name.encode()
    assert b"varisk.schema_version" in file.metadata.metadata
    for group in range(file.num_row_groups):
        for column in range(file.metadata.num_columns):
            chunk = file.metadata.row_group(group).column(column)
            assert chunk.is_stats_set and chunk.has_column_index and chunk.has_offset_index
    sorted_by = [file.schema.column(s.column_index).name for s in file.metadata.row_group(0).sorting_columns]
    if sorted_by:
        assert f"sorted by {', '.join(sorted_by)}" in table["meaning"].replace(", then ", ", "), name
    whole = file.read()

    described = duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    assert [(row[0], row[1]) for row in described] == [(c, duck[t]) for c, t in columns], name
    assert duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0] == rows
    assert duckdb.sql(f"SELECT * FROM '{path}'").to_arrow_table().cast(whole.schema.remove_metadata()).equals(whole.replace_schema_metadata(None)), name
    frame = pl.read_parquet(path)
    assert list(frame.schema.items()) == [(c, polars[t]) for c, t in columns], name
    assert frame.to_arrow().cast(whole.schema.remove_metadata()).equals(whole.replace_schema_metadata(None)), name

    # The same rows come out of the folders.
    by = [column for column in ("item", "contig") if (column, "text") in columns]
    if not by:
        assert os.path.isfile(f"{folder}/partitioned/{name}.parquet")
        continue
    partitioned += 1
    assert not os.path.exists(f"{folder}/partitioned/{name}.parquet")
    root = f"{folder}/partitioned/{name}"
    pattern = f"{root}/**/*.parquet"
    types = "{" + ", ".join(f"'{column}': VARCHAR" for column in by) + "}"
    order = ", ".join(f'"{column}"' for column, _ in columns)
    source = f"read_parquet('{pattern}', hive_partitioning = true, hive_types = {types})"
    parts = duckdb.sql(f"SELECT {order} FROM {source} ORDER BY ALL").fetchall()
    assert parts == duckdb.sql(f"SELECT {order} FROM '{path}' ORDER BY ALL").fetchall(), name
    hive = ds.partitioning(pa.schema([(column, pa.string()) for column in by]), flavor="hive")
    data = ds.dataset(root, partitioning=hive)
    everything = [(column, "ascending") for column, kind in columns if "list" not in kind]
    names = [column for column, _ in columns]
    loose = pa.schema([(column, arrow[kind]) for column, kind in columns])
    parts = data.to_table(columns=names).cast(loose).sort_by(everything)
    assert parts.equals(whole.replace_schema_metadata(None).cast(loose).sort_by(everything)), name
    scan = pl.scan_parquet(pattern, hive_partitioning=True, hive_schema={column: pl.String for column in by})
    flat = [column for column, _ in everything]
    assert scan.select(flat).collect().sort(flat).equals(frame.select(flat).sort(flat)), name

    # A filter on the column opens the files of that value only.
    value = "absolute.bréast/2=5%" if by[0] == "item" else "02"
    some = list(data.get_fragments(filter=ds.field(by[0]) == value))
    files = glob.glob(pattern, recursive=True)
    assert 0 < len(some) < len(files)
    plan = duckdb.sql(f"EXPLAIN ANALYZE SELECT count(*) FROM {source} WHERE {by[0]} = '{value}'").fetchall()[0][1]
    assert f"{len(some)}/{len(files)}" in plan or f"Total Files Read: {len(some)}" in plan, plan
    count = duckdb.sql(f"SELECT count(*) FROM '{path}' WHERE {by[0]} = '{value}'").fetchall()[0][0]
    assert scan.filter(pl.col(by[0]) == value).select(pl.len()).collect().item() == count > 0
    assert data.count_rows(filter=ds.field(by[0]) == value) == count
assert partitioned >= 5

# Patients stand scattered in this table: row groups that lack one are told by their Bloom filters.
path = f"{folder}/plain/evidence.parquet"
groups = pq.ParquetFile(path).num_row_groups
assert groups == 3
probe = lambda value: [row[-1] for row in duckdb.sql(f"FROM parquet_bloom_probe('{path}', 'patient', '{value}')").fetchall()]
there = [probe(f"patient-{row:07}") for row in range(0, 300_000, 2_003)]
assert all(len(excluded) == groups and not all(excluded) for excluded in there)
assert sum(map(sum, there)) > 0.94 * (groups - 1) * len(there)
absent = [probe(f"patient-{row:07}") for row in range(300_000, 300_100)]
assert sum(map(sum, absent)) > 0.94 * groups * len(absent)
assert duckdb.sql(f"SELECT count(*) FROM '{path}' WHERE patient = 'patient-0000042'").fetchall()[0][0] == 1
