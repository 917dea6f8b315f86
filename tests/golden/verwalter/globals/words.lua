first = "global"
return {first=first}
