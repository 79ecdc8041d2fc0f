"""SAM-Audio for inference in plain PyTorch: a codec, and a velocity field over the codec's latents.

`load_torch_network(folder)` reads an official folder (`config.json`, `checkpoint.pt`) or a safetensors conversion; what
the network then does, step by step, is in `network.SamAudio`. Importing this package imports no framework.
"""
