# SPDX-License-Identifier: GPL-2.0-only
"""Shared helpers of the selftests; see the module docstrings."""
