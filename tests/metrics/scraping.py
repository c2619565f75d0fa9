"""What Prometheus does: ask for the page and read it."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families


def scrape(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return list(text_string_to_metric_families(answer.read().decode()))


def value(families, name, **labels):
    """Of one series; None where it is not there."""
    for family in families:
        for one in family.samples:
            if one.name == name and one.labels == labels:
                return one.value
    return None
