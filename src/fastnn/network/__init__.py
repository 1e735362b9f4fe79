"""Networks with Keras 3's names and meaning: `Sequential` and what it is made of.

layers and the losses, optimizers and so on describe; `plan` is the finished description; an engine (`engine`) computes:
`native` in C++, `generic` with the operations of any backend.
"""
