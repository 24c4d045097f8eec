"""Opens encrypted tables with pyarrow and DuckDB, with the key and without."""

import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

folder, schema = sys.argv[1:]
tables = json.load(open(schema))["tables"]


def rows_of(table):
    return 300_000 if table == "evidence" else 3_000


def refused(work):
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("it opens without its key")


# One key for everything: the key itself is enough.
for name, key in [("short", b"k" * 16), ("long", b"K" * 32)]:
    duckdb.sql(f"PRAGMA add_parquet_key('{name}', '{key.decode()}')")
    wrong = bytes([key[0] ^ 1]) + key[1:]
    duckdb.sql(f"PRAGMA add_parquet_key('wrong-{name}', '{wrong.decode()}')")
    for table in tables:
        path = f"{folder}/{name}/{table['table']}.parquet"
        rows = rows_of(table["table"])
        properties = lambda key: pe.create_decryption_properties(footer_key=key)
        read = pq.read_table(path, decryption_properties=properties(key))
        assert read.num_rows == rows
        assert read.column_names == [column["name"] for column in table["columns"]]
        refused(lambda: pq.read_table(path))
        refused(lambda: pq.read_table(path, decryption_properties=properties(wrong)))
        source = lambda key: f"read_parquet('{path}', encryption_config = {{footer_key: '{key}'}})"
        assert duckdb.sql(f"SELECT count(*) FROM {source(name)}").fetchall()[0][0] == rows
        # DuckDB 2.0.1 opens no encrypted list, neither ours nor pyarrow's.
        flat = [column["name"] for column in table["columns"] if "list" not in column["type"]]
        names = ", ".join(f'"{column}"' for column in flat)
        from_duckdb = duckdb.sql(f"SELECT {names} FROM {source(name)}").to_arrow_table()
        plain = read.select(flat).replace_schema_metadata(None)
        assert from_duckdb.cast(plain.schema).equals(plain), table["table"]
        refused(lambda: duckdb.sql(f"SELECT * FROM '{path}'").fetchall())
        refused(lambda: duckdb.sql(f"SELECT * FROM {source('wrong-' + name)}").fetchall())

# Folders of files.
root = f"{folder}/parts/risk"
by_item = "hive_partitioning = true, encryption_config = {footer_key: 'short'}"
count = f"SELECT count(*) FROM read_parquet('{root}/**/*.parquet', {by_item}) WHERE item = 'absolute.bréast/2=5%'"
assert duckdb.sql(count).fetchall()[0][0] == 600
options = ds.ParquetFragmentScanOptions(decryption_properties=pe.create_decryption_properties(footer_key=b"k" * 16))
data = ds.dataset(root, format=ds.ParquetFileFormat(default_fragment_scan_options=options), partitioning="hive")
assert data.count_rows(filter=ds.field("item") == "absolute.bréast/2=5%") == 600


# Columns with keys of their own: pyarrow finds keys by their names.
class Keys(pe.KmsClient):
    def __init__(self, keys):
        super().__init__()
        self.keys = keys

    def wrap_key(self, key, name):
        raise NotImplementedError

    def unwrap_key(self, wrapped, name):
        return self.keys[name]


def properties(keys):
    factory = pe.CryptoFactory(lambda config: Keys(keys))
    return factory.file_decryption_properties(pe.KmsConnectionConfig(), pe.DecryptionConfiguration())


path = f"{folder}/columns/risk.parquet"
whole = pq.read_table(path, decryption_properties=properties({"footer": b"k" * 16, "column:patient": b"p" * 16}))
assert whole.num_rows == 3_000 and whole["patient"][2].as_py() == "patient-0000002"
footer = {"footer": b"k" * 16}
refused(lambda: pq.read_table(path, decryption_properties=properties(footer)))
refused(lambda: pq.read_table(path))
