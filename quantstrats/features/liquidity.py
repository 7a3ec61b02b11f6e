"""liquidity"""
