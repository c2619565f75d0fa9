"""One catalogue of what is measured; documents, alerts, dashboards and the evaluation without Prometheus are its."""
