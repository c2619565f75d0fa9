"""The demo: the whole system on one machine, on real servers, with a hostile vendor and a worker that is killed."""
