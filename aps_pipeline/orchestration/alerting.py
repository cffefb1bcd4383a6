"""The sensor that tells people: it looks at each new warehouse, and is silent while nothing has changed."""

# No postponed annotations here: Dagster looks at that of `context`.

import dagster as dg

from aps_pipeline.alerts import look
from aps_pipeline.orchestration.assets import WAREHOUSE
from aps_pipeline.orchestration.failures import told_plainly
from aps_pipeline.orchestration.resources import Access


def alerting(access: Access) -> dg.SensorDefinition:
    """The sensor `alerts`. It asks for no run; what a tick did is its skip reason."""

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with told_plainly():
            settings = access.settings()
        with told_plainly(settings):
            if not settings.warehouse_path.exists():
                return dg.SensorResult(skip_reason="There is no warehouse yet.")
            told = look(settings.warehouse_path, settings.alerts_path, settings.alert_addresses)
            for message in dict.fromkeys(told.messages):
                context.log.info(message.title)
            return dg.SensorResult(skip_reason=told.said)

    return dg.SensorDefinition(
        "alerts",
        evaluation_fn=tick,
        asset_selection=dg.AssetSelection.assets(WAREHOUSE),
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Tells APS_ALERT_URLS, in one message, which systems, inverters and panels have become weak, "
            "dead or offline in a new warehouse and which have recovered. Makes no call to the API."
        ),
    )
