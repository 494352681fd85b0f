"""What the process answers over HTTP: /metrics, /healthz, /readyz."""
