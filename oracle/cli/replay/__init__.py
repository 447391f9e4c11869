"""`plumbline replay`: a market's history through a protocol's contracts, beside a twin whose parameters stand still."""
