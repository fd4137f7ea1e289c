"""The door: the one room through which records leave."""
