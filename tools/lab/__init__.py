# SPDX-License-Identifier: Apache-2.0
"""A small telephone network on one machine, for the demo and the end-to-end tests: network
namespaces joined by a bridge, SIPp callers and servers in them, linehunt between them, captures
beside them. Nothing of it outlives the program but what is asked to stay."""
