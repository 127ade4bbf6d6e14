# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that need whole programs: linehunt, the generator, and what they are compared with."""
