"""`aps alerts`: what is new on the roofs, shown or sent; the sensor shares what was sent."""

from __future__ import annotations

import json
from dataclasses import asdict

from aps_pipeline.alerts import preview, run_alerts
from aps_pipeline.config import load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import NotConfiguredError


def alerts(send: bool, as_json: bool) -> int:
    """Look once at the warehouse as it is.

    Raises AlertError, WarehouseError, SettingsError, and NotConfiguredError where there is nobody to send to.
    """
    settings = load_settings()
    if send and not settings.alert_addresses:
        raise NotConfiguredError("APS_ALERT_URLS not set: there is nobody to tell; see .env.example")
    done = (run_alerts if send else preview)(
        settings.warehouse_path, settings.alerts_path, settings.alert_addresses
    )
    messages = list(dict.fromkeys(done.messages))
    if as_json:
        print(
            json.dumps(
                {
                    "exit_code": int(Exit.COMPLETE),
                    "summary": done.summary,
                    "messages": list(map(asdict, messages)),
                }
            )
        )
        return Exit.COMPLETE
    print(done.summary)
    for message in messages:
        print(f"\n{message.body}")
    return Exit.COMPLETE
