"""Our tables say things about fields that hera's models have."""

from pipelines.sdk.argo.lint import tables
from pipelines.sdk.argo.lint.shape import KINDS, ListOf, MapOf, Nested, catalogue

RECORDS = catalogue()


def test_every_entry_of_our_tables_is_about_a_field_that_exists():
    places = [*tables.LIMITS, *tables.CHOICES, *tables.POD_CHOICES, *tables.LIST_KEYS, *tables.SHAPES]
    places += [*tables.REQUIRED, *tables.SINCE, *tables.NEWER, *tables.INSTEAD]
    assert [place for place in places if place[1] not in RECORDS[place[0]].fields] == []
    assert [record for record in tables.OPEN if record not in RECORDS] == []


def test_what_was_removed_is_no_field_any_more():
    assert [place for place in tables.REMOVED if place[1] in RECORDS[place[0]].fields] == []
    assert {since for since, _ in tables.REMOVED.values()} <= set(tables.VERSIONS)


def test_every_record_that_a_field_names_is_known():
    shapes = [field.shape for record in RECORDS.values() for field in record.fields.values()]
    for shape in shapes:  # grows while it is walked
        if isinstance(shape, ListOf):
            shapes.append(shape.item)
        elif isinstance(shape, MapOf):
            shapes.append(shape.value)
        elif isinstance(shape, Nested):
            assert shape.record in RECORDS
    assert set(KINDS) <= set(RECORDS)


def test_fields_newer_than_hera_are_reported_for_older_versions():
    newer = {
        (record.name, name)
        for record in RECORDS.values()
        for name, field in record.fields.items()
        if field.since
    }
    assert newer == {*tables.NEWER, *tables.SINCE}
