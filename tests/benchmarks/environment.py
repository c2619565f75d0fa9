"""What the harness tells the programs it starts."""

COUNTER = "BENCHMARK_COUNTER"  # path of the file that counts bodies
STOCK_BROKER = "BENCHMARK_STOCK_BROKER"  # URL
