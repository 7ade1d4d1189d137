"""All tables of incidents, for code that reads the tables' metadata as a whole."""

from __future__ import annotations

from incidents.access_history import models as access_history
from incidents.alerts import models as alerts
from incidents.anomaly_detection import models as anomaly_detection
from incidents.audit_search import models as audit_search
from incidents.canaries import models as canaries
from incidents.cases import models as cases
from incidents.evening_notes import models as evening_notes
from incidents.leak_tracing import models as leak_tracing
from incidents.reports import models as reports

TABLE_MODULES = (
    access_history,
    alerts,
    anomaly_detection,
    audit_search,
    canaries,
    cases,
    evening_notes,
    leak_tracing,
    reports,
)
