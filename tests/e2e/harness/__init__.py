"""What the end-to-end tests are written with: a lab, programs in its hosts, and what they saw."""
