"""What is it? Recognisers, evidence and grading: for columns and for free text.

Import the modules themselves: `columns` needs no more than pyarrow, `text` loads presidio.
"""
