"""How the built-in separator's network is trained. Never imported by the product; see `make train-builtin`.

Sources are fetched by package name and checked against a list of licences (`sources`), songs are composed and
rendered to stems (`composing`, `rendering`), mixed while training (`mixing`), and the network is trained (`learning`,
`train`), measured on sounds it never heard (`evaluating`) and written out with its card (`card`). Audio and checkpoints
stay in a cache folder outside the repository (`cache`).
"""
