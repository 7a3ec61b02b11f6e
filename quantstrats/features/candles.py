"""candles"""
