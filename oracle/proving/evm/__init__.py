"""Generated verifiers brought to less gas: read as arithmetic, simplified, and written anew.

yul (text to syntax) -> machine (syntax to what is computed, over field) -> program (what is computed to Solidity).
"""
