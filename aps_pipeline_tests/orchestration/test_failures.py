"""What leaves an asset: one sentence, and never a secret."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from aps_pipeline.api import Client
from aps_pipeline.config import load_settings
from aps_pipeline.lake import StorageError
from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.materialize import as_dagster_failure
from aps_pipeline.orchestration.resources import RESOURCE, ApsResource
from aps_pipeline.orchestration.simulated import environment_of, get_simulated_settings
from aps_pipeline.simulator import Fault
from aps_pipeline_tests.sites import Site, fleet_file, settings_for, with_clients

SECRET = "Tr0ub4dor&3x"  # of 12 characters, as real ones


def failure(error: Exception, site: Site) -> dg.Failure:
    settings = settings_for(site.simulator, site.url, site.data_dir, app_secret=SECRET)
    with pytest.raises(dg.Failure) as caught, as_dagster_failure(settings):
        raise error
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


def test_a_storage_error_keeps_its_sentence_without_user_and_password(site: Site) -> None:
    told = failure(StorageError("s3://AKIA:wJalr@host/bucket: denied"), site)
    assert told.description == "s3://***@host/bucket: denied"
    assert told.allow_retries is False


def test_a_secret_in_an_expected_error_is_taken_out(site: Site) -> None:
    assert failure(StorageError(f"bad {SECRET}"), site).description == "bad ***"


def test_the_secrets_of_all_accounts_are_taken_out(site: Site, tmp_path: Path) -> None:
    longer = f"{SECRET}-and-more"
    path = fleet_file(tmp_path / "fleet.toml", east={"app_secret": longer}, west={"app_secret": SECRET})
    settings = settings_for(site.simulator, site.url, site.data_dir, app_secret="0wn", fleet_file=path)
    with pytest.raises(dg.Failure) as caught, as_dagster_failure(settings):
        raise StorageError(f"{SECRET}, {longer}, 0wn")
    assert caught.value.description == "***, ***, ***"


def test_simulated_settings_take_no_fleet_file_from_anywhere(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleet_file(tmp_path / "fleet.toml")
    (tmp_path / ".env").write_text("APS_FLEET_FILE=fleet.toml\n")
    settings = get_simulated_settings(site.simulator, site.url, tmp_path, date(2024, 1, 1))
    assert [account.app_id for account in settings.accounts] == [site.simulator.app_id]
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_a_bug_says_where_it_is_and_nothing_else(site: Site) -> None:
    told = failure(RuntimeError(f"{SECRET} in the clear"), site)
    assert told.description is not None
    assert told.description.startswith("a bug in aps_pipeline: RuntimeError at test_failures.py:")
    assert SECRET not in told.description


def test_missing_credentials_are_named(tmp_path: Path) -> None:
    from aps_pipeline.config import Settings

    settings = Settings(_env_file=None, system_ids=("A1",), data_dir=tmp_path)  # type: ignore[call-arg]
    assets = [
        a
        for a in build_definitions(date(2024, 1, 1), ApsResource()).assets or ()
        if isinstance(a, dg.AssetsDefinition)
    ]
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            assets,
            selection=dg.AssetSelection.assets(["core", "systems"]),
            resources={RESOURCE: ApsResource(lambda: settings)},
            instance=instance,
            raise_on_error=False,
        )
    (event,) = result.filter_events(lambda e: e.is_step_failure)
    assert "APS_APP_ID and APS_APP_SECRET not set" in str(
        event.step_failure_data.user_failure_data.description
    )


def test_the_app_secret_is_nowhere_in_what_dagster_keeps(site: Site, home: Path) -> None:
    site.simulator.faults.append(Fault("5000", date_range="2024-03-06"))
    settings = settings_for(site.simulator, site.url, site.data_dir)
    assert settings.app_secret is not None
    wrong = settings.model_copy(update={"app_secret": type(settings.app_secret)(SECRET)})

    def broken() -> Client:
        raise RuntimeError(f"the secret is {SECRET}")

    def open_broken(_: object) -> object:
        return with_clients(site.pipeline(), broken)

    secrets = (settings.app_secret.get_secret_value(), SECRET)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for access in (
            ApsResource(lambda: settings),
            ApsResource(lambda: wrong),
            ApsResource(lambda: wrong, open=open_broken),  # type: ignore[arg-type]
        ):
            job = build_definitions(date(2024, 2, 1), access).resolve_job_def("refresh_days")
            job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                tags={
                    "dagster/asset_partition_range_start": "2024-03-05",
                    "dagster/asset_partition_range_end": "2024-03-07",
                },
            )
        assert instance.get_runs_count() == 3
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) > 100_000
    for path in kept:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path
