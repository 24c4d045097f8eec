"""Runs the commands of docs/parquet.md, each section in a session of its own; Spark's are not run."""

import os
import re
import sys

import duckdb

folder, schema = sys.argv[1:]
page = open(os.path.join(os.path.dirname(schema), "../docs/parquet.md")).read()
os.chdir(folder)
ran = 0
for section in page.split("\n### ")[1:]:
    name = section.splitlines()[0]
    if name == "Spark":
        continue
    for language, code in re.findall(r"```(sql|python)\n(.*?)```", section, re.DOTALL):
        if language == "python":
            exec(compile(code, name, "exec"), {"__name__": name})
        else:
            session = duckdb.connect()
            for statement in duckdb.extract_statements(code):
                session.execute(statement).fetchall()
        ran += 1
assert ran == 3, ran
