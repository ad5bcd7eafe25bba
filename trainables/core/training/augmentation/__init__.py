"""How clips are changed on their way into a network: moved and lit (augment.py), covered (masking.py), mixed (mixup.py); and
disturbed, to see what a trained one stands (robustness.py).
"""
