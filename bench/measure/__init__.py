"""What bench/throughput is made of."""
