"""crosssection"""
