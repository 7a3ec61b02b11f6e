"""momentum"""
