"""What compare.py is made of: data sets, cases to measure, and reports."""
