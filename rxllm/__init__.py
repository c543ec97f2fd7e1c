"""rxllm: LLM streams as hot ReactiveX Observables."""
