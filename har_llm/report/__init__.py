"""Makes tables, figures and a page of finished runs."""
