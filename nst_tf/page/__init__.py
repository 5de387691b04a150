"""The live page: what visitors ask for, the process that paints, and what they see."""
