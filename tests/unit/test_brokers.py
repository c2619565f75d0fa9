"""Several brokers behind one URL."""

import pytest
from celery import current_app

from jobs.transport.connection import TRANSPORTS


@pytest.mark.parametrize("scheme", ["redis", "amqp", "amqps"])
def test_the_next_of_several_brokers_is_spoken_to_as_the_first(scheme):
    urls = f"{scheme}://one//;{scheme}://two//"
    broker = current_app.connection_for_write(urls, transport=TRANSPORTS[scheme])
    broker.maybe_switch_next()
    assert (broker.hostname, broker.transport_cls) == ("two", TRANSPORTS[scheme])
    assert broker.clone().transport_cls == TRANSPORTS[scheme]
