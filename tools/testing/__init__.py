# SPDX-License-Identifier: Apache-2.0
"""The test runner behind tools/test. Knows the suites, not what they test."""
