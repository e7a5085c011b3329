"""Which files a model's or an adapter's name stands for, the embedded models included."""
