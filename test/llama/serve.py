"""llama.cpp's own server, from the Python package xllamacpp: python3 serve.py MODEL.gguf KEY; ends with its standard input."""

import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
if sys.argv[2]:
    params.api_keys = [sys.argv[2]]
params.n_ctx = 16384
params.n_parallel = 1
params.cpuparams.n_threads = 1
params.n_threads_http = 4
params.port = 0
params.warmup = False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
