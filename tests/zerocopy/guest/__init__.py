"""A virtual machine with the network cards and the kernel that a test asks for.

`packages` gets kernels from Debian's archive, `image` makes an initial RAM disk of programs of this
machine, `wires` are the host's ends of the cables, `machine` boots all that and runs commands in it,
`firewall` is afxfw there.
"""
